using System.Runtime.CompilerServices;

namespace PosixShm.Elements;

/// <summary>Elements of a C# type as objects.</summary>
internal static class ElementValue
{
    /// <summary>Returns an element as an object. Any byte but 0 is true, as in numpy; .NET's <see langword="true"/> is 1 alone.</summary>
    public static object Box<T>(T value)
        where T : unmanaged
        => typeof(T) == typeof(bool) ? Unsafe.BitCast<T, byte>(value) != 0 : value;

    /// <summary>Unboxes an element, or makes one by the widening conversions of <see cref="Array.SetValue(object, int)"/>.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    /// <exception cref="InvalidCastException">The value is of a type that is not converted.</exception>
    public static T Convert<T>(object value)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value is T element)
        {
            return element;
        }

        T[] converted = new T[1];
        try
        {
            converted.SetValue(value, 0);
            return converted[0];
        }
        catch (Exception error) when (error is InvalidCastException or ArgumentException)
        {
            throw new InvalidCastException(
                $"An element of type {typeof(T)} cannot be set from a {value.GetType()}: only a widening conversion is made.");
        }
    }
}

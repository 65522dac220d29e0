using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using PosixShm.Elements;

namespace PosixShm;

/// <summary>numpy's <c>datetime64</c>: a number of units since 1970. Its dates are taken as UTC.</summary>
/// <typeparam name="TUnit">The unit, as in <c>DateTime64&lt;Nanoseconds&gt;</c>.</typeparam>
/// <param name="count">The number of units since 1970-01-01T00:00.</param>
[SuppressMessage("Design", "CA1000", Justification = "The unit belongs to the type, as NaN belongs to double.")]
public readonly struct DateTime64<TUnit>(long count)
    : IEquatable<DateTime64<TUnit>>, IComparable<DateTime64<TUnit>>,
    IComparisonOperators<DateTime64<TUnit>, DateTime64<TUnit>, bool>, ITime64
    where TUnit : struct, ITimeUnit
{
    private static readonly TimeScale s_scale = new(TUnit.Name);

    /// <summary>Gets numpy's "not a time".</summary>
    public static DateTime64<TUnit> NaT => new(TimeText.NotATime);

    /// <summary>Gets the number that numpy stores.</summary>
    public long Count { get; } = count;

    /// <summary>Gets whether this is "not a time".</summary>
    public bool IsNaT => Count == TimeText.NotATime;

    DType ITime64.ElementType => ScalarType.Native(ScalarType.DateTime, sizeof(long), s_scale.Unit);

    /// <inheritdoc cref="ToDateTime"/>
    /// <param name="value">The date.</param>
    public static explicit operator DateTime(DateTime64<TUnit> value) => value.ToDateTime();

    /// <inheritdoc cref="FromDateTime"/>
    public static explicit operator DateTime64<TUnit>(DateTime value) => FromDateTime(value);

    /// <inheritdoc cref="ToDateTimeOffset"/>
    /// <param name="value">The date.</param>
    public static explicit operator DateTimeOffset(DateTime64<TUnit> value) => value.ToDateTimeOffset();

    /// <inheritdoc cref="FromDateTimeOffset"/>
    public static explicit operator DateTime64<TUnit>(DateTimeOffset value) => FromDateTimeOffset(value);

    /// <summary>Compares two dates for equality. As in numpy, NaT equals nothing.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(DateTime64<TUnit> left, DateTime64<TUnit> right) => left.Count == right.Count && !left.IsNaT;

    /// <summary>Compares two dates for inequality. As in numpy, NaT differs from itself.</summary>
    /// <inheritdoc cref="op_Equality"/>
    public static bool operator !=(DateTime64<TUnit> left, DateTime64<TUnit> right) => !(left == right);

    /// <summary>Compares two dates; false if one is NaT.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator <(DateTime64<TUnit> left, DateTime64<TUnit> right) => left.Count < right.Count && !left.IsNaT;

    /// <inheritdoc cref="op_LessThan"/>
    public static bool operator >(DateTime64<TUnit> left, DateTime64<TUnit> right) => right < left;

    /// <inheritdoc cref="op_LessThan"/>
    public static bool operator <=(DateTime64<TUnit> left, DateTime64<TUnit> right) => left.Count <= right.Count && !left.IsNaT;

    /// <inheritdoc cref="op_LessThan"/>
    public static bool operator >=(DateTime64<TUnit> left, DateTime64<TUnit> right) => right <= left;

    /// <summary>Returns the date of this unit that equals a date.</summary>
    /// <param name="value">The date in UTC; a date of <see cref="DateTimeKind.Unspecified"/> is taken as UTC.</param>
    /// <returns>The same date.</returns>
    /// <exception cref="ArgumentException">The date is a local one. <see cref="DateTime.ToUniversalTime"/> converts it.</exception>
    /// <exception cref="NotSupportedException">The unit is generic.</exception>
    /// <exception cref="OverflowException">The date is out of range, or not a whole number of units.</exception>
    public static DateTime64<TUnit> FromDateTime(DateTime value) => value.Kind != DateTimeKind.Local
        ? new(s_scale.DateCount(value))
        : throw new ArgumentException("The date is local, and datetime64 has no time zone: use ToUniversalTime first.", nameof(value));

    /// <summary>Returns the date of this unit that equals a date. The offset is not kept, so the date is that of UTC.</summary>
    /// <param name="value">The date.</param>
    /// <returns>The same instant.</returns>
    /// <exception cref="NotSupportedException">The unit is generic.</exception>
    /// <exception cref="OverflowException">The date is out of range, or not a whole number of units.</exception>
    public static DateTime64<TUnit> FromDateTimeOffset(DateTimeOffset value) => new(s_scale.DateCount(value.UtcDateTime));

    /// <summary>Returns the equal date of .NET.</summary>
    /// <returns>The same date, in UTC.</returns>
    /// <exception cref="NotSupportedException">The unit is generic.</exception>
    /// <exception cref="OverflowException">This is NaT, outside of the years 1 to 9999, or not a whole number of ticks.</exception>
    public DateTime ToDateTime() => new(s_scale.DateTicks(Count), DateTimeKind.Utc);

    /// <returns>The same date, with an offset of 0.</returns>
    /// <inheritdoc cref="ToDateTime"/>
    public DateTimeOffset ToDateTimeOffset() => new(ToDateTime());

    /// <summary>Compares two dates as keys: unlike with <c>==</c>, NaT equals NaT.</summary>
    /// <param name="other">The other.</param>
    /// <returns>Whether they are.</returns>
    public bool Equals(DateTime64<TUnit> other) => Count == other.Count;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is DateTime64<TUnit> other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Count.GetHashCode();

    /// <summary>Orders two dates. NaT is the last, as numpy sorts.</summary>
    /// <param name="other">The other.</param>
    /// <returns>Negative if this one is first, positive if it is last, and 0 if they are the same.</returns>
    public int CompareTo(DateTime64<TUnit> other)
        => unchecked(Count - 1).CompareTo(unchecked(other.Count - 1)); // NaT wraps to the largest number.

    /// <summary>Formats the date as an element of numpy's arrays: ISO 8601 as far as the unit goes, or NaT.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => TimeText.DateText(Count, s_scale.Unit);
}

namespace PosixShm;

/// <summary>A unit of <see cref="DateTime64{TUnit}"/> and <see cref="TimeDelta64{TUnit}"/>. A program's struct adds others.</summary>
public interface ITimeUnit
{
    /// <summary>Gets the unit as numpy writes it between brackets: <c>ns</c>, <c>25s</c>; empty for numpy's generic unit.</summary>
    static abstract string Name { get; }
}

/// <summary>A date or a time span of any unit.</summary>
internal interface ITime64
{
    /// <summary>Gets numpy's element type.</summary>
    /// <exception cref="NotSupportedException">numpy has no such unit.</exception>
    Elements.DType ElementType { get; }

    /// <summary>Gets the number that numpy stores.</summary>
    long Count { get; }
}

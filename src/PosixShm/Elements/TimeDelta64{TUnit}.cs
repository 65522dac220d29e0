using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using PosixShm.Elements;

namespace PosixShm;

/// <summary>numpy's <c>timedelta64</c>: a number of units, which may be negative.</summary>
/// <typeparam name="TUnit">The unit, as in <c>TimeDelta64&lt;Nanoseconds&gt;</c>.</typeparam>
/// <param name="count">The number of units.</param>
[SuppressMessage("Design", "CA1000", Justification = "The unit belongs to the type, as NaN belongs to double.")]
public readonly struct TimeDelta64<TUnit>(long count)
    : IEquatable<TimeDelta64<TUnit>>, IComparable<TimeDelta64<TUnit>>,
    IComparisonOperators<TimeDelta64<TUnit>, TimeDelta64<TUnit>, bool>, ITime64
    where TUnit : struct, ITimeUnit
{
    private static readonly TimeScale s_scale = new(TUnit.Name);

    /// <summary>Gets numpy's "not a time".</summary>
    public static TimeDelta64<TUnit> NaT => new(TimeText.NotATime);

    /// <summary>Gets the number that numpy stores.</summary>
    public long Count { get; } = count;

    /// <summary>Gets whether this is "not a time".</summary>
    public bool IsNaT => Count == TimeText.NotATime;

    DType ITime64.ElementType => ScalarType.Native(ScalarType.TimeSpan, sizeof(long), s_scale.Unit);

    /// <inheritdoc cref="ToTimeSpan"/>
    /// <param name="value">The time span.</param>
    public static explicit operator TimeSpan(TimeDelta64<TUnit> value) => value.ToTimeSpan();

    /// <inheritdoc cref="FromTimeSpan"/>
    public static explicit operator TimeDelta64<TUnit>(TimeSpan value) => FromTimeSpan(value);

    /// <summary>Compares two time spans for equality. As in numpy, NaT equals nothing.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(TimeDelta64<TUnit> left, TimeDelta64<TUnit> right) => left.Count == right.Count && !left.IsNaT;

    /// <summary>Compares two time spans for inequality. As in numpy, NaT differs from itself.</summary>
    /// <inheritdoc cref="op_Equality"/>
    public static bool operator !=(TimeDelta64<TUnit> left, TimeDelta64<TUnit> right) => !(left == right);

    /// <summary>Compares two time spans; false if one is NaT.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator <(TimeDelta64<TUnit> left, TimeDelta64<TUnit> right) => left.Count < right.Count && !left.IsNaT;

    /// <inheritdoc cref="op_LessThan"/>
    public static bool operator >(TimeDelta64<TUnit> left, TimeDelta64<TUnit> right) => right < left;

    /// <inheritdoc cref="op_LessThan"/>
    public static bool operator <=(TimeDelta64<TUnit> left, TimeDelta64<TUnit> right) => left.Count <= right.Count && !left.IsNaT;

    /// <inheritdoc cref="op_LessThan"/>
    public static bool operator >=(TimeDelta64<TUnit> left, TimeDelta64<TUnit> right) => right <= left;

    /// <summary>Returns the time span of this unit that equals one of .NET.</summary>
    /// <param name="value">The time span.</param>
    /// <returns>The same time span.</returns>
    /// <exception cref="NotSupportedException">The unit has no fixed length: years, months, the generic one.</exception>
    /// <exception cref="OverflowException">The time span is out of range, or not a whole number of units.</exception>
    public static TimeDelta64<TUnit> FromTimeSpan(TimeSpan value) => new(s_scale.SpanCount(value));

    /// <summary>Returns the equal time span of .NET.</summary>
    /// <returns>The same time span.</returns>
    /// <exception cref="NotSupportedException">The unit has no fixed length: years, months, the generic one.</exception>
    /// <exception cref="OverflowException">This is NaT, out of range, or not a whole number of ticks.</exception>
    public TimeSpan ToTimeSpan() => new(s_scale.SpanTicks(Count));

    /// <summary>Compares two time spans as keys: unlike with <c>==</c>, NaT equals NaT.</summary>
    /// <param name="other">The other.</param>
    /// <returns>Whether they are.</returns>
    public bool Equals(TimeDelta64<TUnit> other) => Count == other.Count;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TimeDelta64<TUnit> other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Count.GetHashCode();

    /// <summary>Orders two time spans. NaT is the last, as numpy sorts.</summary>
    /// <param name="other">The other.</param>
    /// <returns>Negative if this one is first, positive if it is last, and 0 if they are the same.</returns>
    public int CompareTo(TimeDelta64<TUnit> other)
        => unchecked(Count - 1).CompareTo(unchecked(other.Count - 1)); // NaT wraps to the largest number.

    /// <summary>Formats the time span as an element of numpy's arrays: the number of its units, or NaT.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => TimeText.SpanText(Count);
}

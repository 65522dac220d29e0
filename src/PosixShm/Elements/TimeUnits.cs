namespace PosixShm;

// numpy's units, and the tick of .NET. The types are type arguments alone: their values are never compared.
#pragma warning disable CA1815 // Override equals on value types

/// <summary>Years of the calendar.</summary>
public readonly struct Years : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "Y";
}

/// <summary>Months of the calendar.</summary>
public readonly struct Months : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "M";
}

/// <summary>Weeks.</summary>
public readonly struct Weeks : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "W";
}

/// <summary>Days of 24 hours.</summary>
public readonly struct Days : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "D";
}

/// <summary>Hours.</summary>
public readonly struct Hours : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "h";
}

/// <summary>Minutes.</summary>
public readonly struct Minutes : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "m";
}

/// <summary>Seconds.</summary>
public readonly struct Seconds : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "s";
}

/// <summary>Milliseconds.</summary>
public readonly struct Milliseconds : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "ms";
}

/// <summary>Microseconds.</summary>
public readonly struct Microseconds : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "us";
}

/// <summary>The ticks of .NET, 100 nanoseconds, which hold every <see cref="DateTime"/> and every time span but the smallest.</summary>
public readonly struct Ticks : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "100ns";
}

/// <summary>Nanoseconds, as pandas stores its times: dates from 1677 to 2262.</summary>
public readonly struct Nanoseconds : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "ns";
}

/// <summary>Picoseconds.</summary>
public readonly struct Picoseconds : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "ps";
}

/// <summary>Femtoseconds.</summary>
public readonly struct Femtoseconds : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "fs";
}

/// <summary>Attoseconds.</summary>
public readonly struct Attoseconds : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => "as";
}

/// <summary>numpy's generic unit, of arrays whose dtype names none. Such counts cannot be converted.</summary>
public readonly struct GenericUnit : ITimeUnit
{
    /// <inheritdoc/>
    public static string Name => string.Empty;
}

using Mono.Unix.Native;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace PosixShm.Tests;

/// <summary>
/// A test whose set-up needs root, for example another user's files, and which a user namespace cannot replace. For a normal user it is
/// skipped and listed with its reason at the end of the run; another skipped test counts as failed.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsRootAttribute(string reason) : NUnitAttribute, IApplyToTest
{
    public string Reason => reason;

    public void ApplyToTest(Test test)
    {
        if (Syscall.geteuid() != 0)
        {
            test.RunState = RunState.Ignored;
            test.Properties.Set(PropertyNames.SkipReason, $"needs root: {reason}");
        }
    }
}

// Repeats one operation, so that count.sh can count its instructions: counted OPERATION COUNT NAME. The program is compiled ahead of time,
// so that valgrind can run it, and no compiler is counted.
#:project ../../PosixShm/PosixShm.csproj
#:property OptimizationPreference=Speed
#:property NativeDebugSymbols=false
using System.Globalization;
using PosixShm;
using PosixShm.Synchronization;

string operation = args[0];
int count = int.Parse(args[1], CultureInfo.InvariantCulture);
string name = args[2];
SharedArrayOptions created = new() { Preallocate = operation == "create-reserved" };
using SharedArray<double> array = SharedArray.Attach<double>(name);
SharedLock shared = array.Lock;
double[] some = new double[16];
double sum = 0;
for (int i = 0; i < count; i++)
{
    switch (operation)
    {
        case "nothing":
            break;
        case "lock":
            shared.Enter();
            shared.Exit();
            break;
        case "scope":
            using (shared.EnterScope())
            {
                sum++;
            }

            break;
        case "indexer":
            sum += array[i & 15];
            break;
        case "span":
            sum += array.Span[i & 15];
            break;
        case "copy":
            array.CopyTo(some);
            break;
        case "lease":
            array.Acquire().Dispose();
            break;
        case "attach":
            SharedArray.Attach<double>(name).Dispose();
            break;
        case "describe":
            sum += SharedArray.Describe(name).Length;
            break;
        case "list":
            sum += SharedArray.List().Count;
            break;
        case "create-sparse" or "create-reserved":
            SharedArray.Create(name + "-new", ArrayContent.Zeros<double>(1 << 17), created).Dispose();
            SharedArray.Delete(name + "-new");
            break;
        default:
            throw new ArgumentException($"There is no operation '{operation}'.");
    }
}

return double.IsNaN(sum) ? 1 : 0;

// Removes from the XML file beside an assembly what documents no public member: users of the assembly cannot refer to it.
//
//     dotnet run --file build/public-documentation.cs -- ASSEMBLY

using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

string documentation = Path.ChangeExtension(args[0], ".xml");
using PEReader file = new(File.OpenRead(args[0]));
MetadataReader assembly = file.GetMetadataReader();
HashSet<string> names = [.. assembly.TypeDefinitions.Where(IsVisible).SelectMany(Names)];

XDocument document = XDocument.Load(documentation, LoadOptions.PreserveWhitespace);
XElement[] members = [.. document.Descendants("member")];
HashSet<string> kept = [.. members.Select(Id).Where(id => names.Contains(Name(id)))];
if (kept.Count == 0)
{
    throw new InvalidDataException($"'{documentation}' documents no public member of '{args[0]}'.");
}

// Public members may inherit the text of others, which may inherit theirs.
for (int before = 0; before < kept.Count;)
{
    before = kept.Count;
    kept.UnionWith(members.Where(IsKept).Descendants("inheritdoc").Attributes("cref").Select(cref => cref.Value));
}

foreach (XElement member in members.Where(member => !IsKept(member)))
{
    (member.PreviousNode as XText)?.Remove();
    member.Remove();
}

document.Save(documentation, SaveOptions.DisableFormatting);
Console.WriteLine($"{documentation}: {members.Count(IsKept)} of {members.Length} members");

bool IsKept(XElement member) => kept.Contains(Id(member));

static string Id(XElement member) => member.Attribute("name")!.Value;

// "M:Namespace.Type`1.Method``1(System.Int32)" is the method "Namespace.Type`1.Method".
static string Name(string id) => id[2..].Split('(', '~')[0].Split("``")[0];

bool IsVisible(TypeDefinitionHandle handle)
{
    TypeDefinition type = assembly.GetTypeDefinition(handle);
    return (type.Attributes & TypeAttributes.VisibilityMask) switch
    {
        TypeAttributes.Public => true,
        TypeAttributes.NestedPublic or TypeAttributes.NestedFamily or TypeAttributes.NestedFamORAssem
            => IsVisible(type.GetDeclaringType()),
        _ => false,
    };
}

IEnumerable<string> Names(TypeDefinitionHandle handle)
{
    TypeDefinition type = assembly.GetTypeDefinition(handle);
    string name = FullName(type);
    IEnumerable<StringHandle> members =
    [
        .. type.GetMethods().Where(IsVisibleMethod).Select(method => assembly.GetMethodDefinition(method).Name),
        .. type.GetFields().Select(assembly.GetFieldDefinition).Where(IsVisibleField).Select(field => field.Name),
        .. type.GetProperties().Select(assembly.GetPropertyDefinition).Where(IsVisibleProperty).Select(property => property.Name),
        .. type.GetEvents().Select(assembly.GetEventDefinition).Where(change => IsVisibleMethod(change.GetAccessors().Adder))
            .Select(change => change.Name),
    ];
    return members.Select(member => $"{name}.{assembly.GetString(member).Replace('.', '#')}").Prepend(name);
}

string FullName(TypeDefinition type)
{
    string name = assembly.GetString(type.Name);
    string outer = type.IsNested ? FullName(assembly.GetTypeDefinition(type.GetDeclaringType())) : assembly.GetString(type.Namespace);
    return $"{outer}.{name}";
}

bool IsVisibleMethod(MethodDefinitionHandle handle)
    => !handle.IsNil
        && (assembly.GetMethodDefinition(handle).Attributes & MethodAttributes.MemberAccessMask)
            is MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem;

bool IsVisibleProperty(PropertyDefinition property)
    => IsVisibleMethod(property.GetAccessors().Getter) || IsVisibleMethod(property.GetAccessors().Setter);

static bool IsVisibleField(FieldDefinition field)
    => (field.Attributes & FieldAttributes.FieldAccessMask)
        is FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem;

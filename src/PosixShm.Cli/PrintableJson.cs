using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;

namespace PosixShm.Cli;

/// <summary>Escapes the characters that <see cref="Printable"/> escapes, besides those that JSON requires. Characters that are special in
/// HTML only are not escaped.</summary>
internal sealed unsafe class PrintableJson : JavaScriptEncoder
{
    private static readonly JavaScriptEncoder s_inner = UnsafeRelaxedJsonEscaping;

    public override int MaxOutputCharactersPerInputCharacter => s_inner.MaxOutputCharactersPerInputCharacter;

    public override bool WillEncode(int unicodeScalar) => s_inner.WillEncode(unicodeScalar) || !Printable.IsPlain(new Rune(unicodeScalar));

    public override int FindFirstCharacterToEncode(char* text, int textLength)
    {
        ReadOnlySpan<char> rest = new(text, textLength);
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out Rune rune, out int length) != OperationStatus.Done || WillEncode(rune.Value))
            {
                return textLength - rest.Length;
            }

            rest = rest[length..];
        }

        return -1;
    }

    public override bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        if (s_inner.WillEncode(unicodeScalar))
        {
            return s_inner.TryEncodeUnicodeScalar(unicodeScalar, buffer, bufferLength, out numberOfCharactersWritten);
        }

        Span<char> units = stackalloc char[2];
        Span<char> free = new(buffer, bufferLength);
        numberOfCharactersWritten = 0;
        foreach (char unit in units[..new Rune(unicodeScalar).EncodeToUtf16(units)])
        {
            if (!free.TryWrite($"\\u{(int)unit:X4}", out int written))
            {
                return false;
            }

            free = free[written..];
            numberOfCharactersWritten += written;
        }

        return true;
    }
}

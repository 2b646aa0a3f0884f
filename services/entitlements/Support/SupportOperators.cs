using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using HomeStage.Hosting.Configuration;

namespace HomeStage.Entitlements.Support;

/// <summary>Somebody who may use the support API. The name stands in the ledger and in the audit.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Role"><see cref="SupportOperators.Read"/> or <see cref="SupportOperators.Act"/>, which may read, too.</param>
/// <param name="TokenHash">SHA-256 of the token.</param>
internal sealed record SupportOperator(string Name, string Role, byte[] TokenHash);

/// <summary>The people of <c>SUPPORT_OPERATORS</c>.</summary>
internal sealed partial class SupportOperators(IReadOnlyList<SupportOperator> operators)
{
    internal const string Setting = "SUPPORT_OPERATORS";
    internal const string Read = "read";
    internal const string Act = "act";

    // Actors of entries that no person wrote.
    private static readonly string[] Reserved = ["billing", "entitlements", "gateway", "staging-api", "staging-worker", "system"];

    /// <summary>Reads the setting: one line for each, <c>name role sha256-of-the-token-in-hex</c>. What makes no sense stops the start.</summary>
    internal static SupportOperators From(Settings settings)
    {
        var text = settings.Required(Setting, "one line for each support person: name, role (read or act), SHA-256 of the token in hexadecimal");
        var operators = new List<SupportOperator>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (Line().Match(line) is not { Success: true } match)
                settings.Refuse(Setting, "has a line that is not 'name role hash': a name of a-z, 0-9, '.', '_' and '-', the role read or act, and 64 hexadecimal digits");
            else
                operators.Add(new(match.Groups["name"].Value, match.Groups["role"].Value, Convert.FromHexString(match.Groups["hash"].ValueSpan)));
        }

        if (operators.Count == 0)
            settings.Refuse(Setting, "names nobody: one line at least");
        if (operators.DistinctBy(one => one.Name).Count() < operators.Count)
            settings.Refuse(Setting, "has a name twice");
        if (operators.DistinctBy(one => Convert.ToHexString(one.TokenHash)).Count() < operators.Count)
            settings.Refuse(Setting, "has a token twice: each person needs one of their own");
        if (operators.Exists(one => Reserved.Contains(one.Name)))
            settings.Refuse(Setting, $"uses a name that is a service's: {string.Join(", ", Reserved)}");
        return new(operators);
    }

    /// <summary>Whose token it is. Takes the same time whoever it is, and if it is nobody's.</summary>
    internal SupportOperator? Find(string token)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        SupportOperator? found = null;
        foreach (var one in operators)
        {
            if (CryptographicOperations.FixedTimeEquals(one.TokenHash, hash))
                found = one;
        }

        return found;
    }

    [GeneratedRegex(@"^(?<name>[a-z0-9][a-z0-9._-]{0,49})\s+(?<role>read|act)\s+(?<hash>[0-9a-fA-F]{64})$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Line();
}

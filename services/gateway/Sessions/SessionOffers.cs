using HomeStage.Gateway.Challenges;
using HomeStage.Gateway.SignIn;

namespace HomeStage.Gateway.Sessions;

/// <summary>What a page can offer the person beside the session.</summary>
internal sealed class SessionOffers(Providers providers, Challenge challenge)
{
    /// <summary>Where they can sign in.</summary>
    public IReadOnlyList<Provider> Providers => providers.All;

    /// <summary>What to put to them where <c>challenge_required</c> is answered; null where it never is.</summary>
    public ChallengeOffer? Challenge => challenge.Offer;
}

namespace HomeStage.Billing.Plans;

/// <summary>The presentment currencies that Stripe's documentation lists, so that a mistyped one stops the start and not a customer.</summary>
internal static class Currencies
{
    private static readonly HashSet<string> Codes =
    [
        .. """
           usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk
           djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd
           kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg
           qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof
           xpf yer zar zmw
           """.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries),
    ];

    internal static bool Contains(string code) => Codes.Contains(code);
}

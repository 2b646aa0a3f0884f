using HomeStage.Tool.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

/// <summary>A command whose answer did not come may have been carried out: who sends it again needs the key that it had.</summary>
public sealed class SupportApiTests
{
    private static readonly SupportRequest Grant = SupportRequest.Post("support/accounts/1/grants", new { Credits = 20 });

    [Theory]
    [InlineData(503, true)]
    [InlineData(500, true)]
    [InlineData(409, false)]
    public async Task A_failure_names_the_key_and_a_refusal_needs_none(int status, bool isNamed)
    {
        await using var api = await AnswerAsync(context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });

        var told = await FailureAsync(api, Grant, TestContext.Current.CancellationToken);

        told.ShouldStartWith($"Refused with {status}");
        told.Contains("--key key-1", StringComparison.Ordinal).ShouldBe(isNamed);
    }

    [Fact]
    public async Task Whoever_stops_waiting_is_told_the_key()
    {
        using var stop = new CancellationTokenSource();
        await using var api = await AnswerAsync(async context =>
        {
            await stop.CancelAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });

        (await FailureAsync(api, Grant, stop.Token)).ShouldContain("--key key-1");
    }

    [Fact]
    public async Task A_connection_that_breaks_names_the_key_of_a_command_and_none_of_a_question()
    {
        await using var api = await AnswerAsync(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });

        (await FailureAsync(api, Grant, TestContext.Current.CancellationToken)).ShouldContain("--key key-1");
        (await FailureAsync(api, SupportRequest.Get("support/audit"), TestContext.Current.CancellationToken)).ShouldNotContain("--key");
    }

    private static async Task<string> FailureAsync(WebApplication api, SupportRequest request, CancellationToken cancel) =>
        (await Should.ThrowAsync<ToolException>(() => new SupportApi(new(api.Urls.First(), "token")).SendAsync(request, "key-1", cancel))).Message;

    private static Task<WebApplication> AnswerAsync(RequestDelegate answer) => LocalWeb.StartAsync(web => web.Run(answer));
}

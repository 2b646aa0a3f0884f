global using HomeStage.Gateway.Tests.Scene;
global using HomeStage.Testing;
global using Shouldly;
global using Xunit;

[assembly: AssemblyFixture(typeof(SharedRedis))]
[assembly: AssemblyFixture(typeof(SharedStack))]

global using HomeStage.Gateway.Tests.Scene;
global using Shouldly;
global using Xunit;

[assembly: AssemblyFixture(typeof(SharedStack))]

using HomeStage.Testing;
using Xunit;

[assembly: AssemblyFixture(typeof(TestServers))]

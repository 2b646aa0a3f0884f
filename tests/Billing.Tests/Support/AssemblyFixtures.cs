using HomeStage.Testing;

[assembly: AssemblyFixture(typeof(TestServers))]

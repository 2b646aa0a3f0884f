global using HomeStage.Testing;
global using Microsoft.Extensions.Logging;
global using Shouldly;
global using Xunit;

using HomeStage.Tool;

return await CommandLine.RunAsync(args);

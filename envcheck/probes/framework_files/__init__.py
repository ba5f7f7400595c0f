"""One file for each framework: what its own files tell about version and build. Adding a file adds the framework."""

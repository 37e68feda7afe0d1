"""How fast Spor is, each figure beside what is possible on the same machine in the same run."""

"""The whole engine on a virtual clock, with faults that a seed chooses; judged by what the systems hold."""

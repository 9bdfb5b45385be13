"""How often: shares of repeats (E1), how concentrated they are and whether that lasts (E4), and rates of episodes."""

"""What a person reads: leaderboard, charts, tables."""

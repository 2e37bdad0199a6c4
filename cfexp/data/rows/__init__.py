"""From columns, whatever they were read from, to interactions: ids, values, times, order."""

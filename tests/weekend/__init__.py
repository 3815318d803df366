"""A weekend without one system, at full size and in virtual time: nothing parked, one alert, drained in order."""

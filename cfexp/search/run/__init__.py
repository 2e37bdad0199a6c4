"""Running a study: trials, finals, and the processes that compute them."""

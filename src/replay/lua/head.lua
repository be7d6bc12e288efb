-- Where the log stands: its head and its birth.
return {head_id(), birth_id()}

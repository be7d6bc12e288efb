-- Where the log stands: its head and its birth.
return replica_error() or {head_id(), birth_id()}

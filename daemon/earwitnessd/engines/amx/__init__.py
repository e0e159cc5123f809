"""Products on the tile units (AMX) of a CPU, in bfloat16 or as exact as float32."""

"""What people may ask and do, with access enforced: the only thing that faces call."""

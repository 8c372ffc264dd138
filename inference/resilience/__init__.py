"""How failures of providers are borne: what is tried again, who is left alone for a while, where calls go instead."""

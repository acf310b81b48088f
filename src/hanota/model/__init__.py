"""Domain nouns: device profiles, lifecycles, policies, access and responsibility. Pure tables and rules."""

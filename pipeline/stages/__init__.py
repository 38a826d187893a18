"""One module a role: what happens to one record, as a function of the record, keys, policy and clock."""

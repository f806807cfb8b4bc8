"""Running mailboxes: the rows say what is due, `tick` puts it into the job engine, the worker runs it.

Level-triggered (stack facts §0): a job says only "sync mailbox M now". Whatever happens to a job, the row
(`seq`, `synced_seq`, `next_due`, `failures`) still says what is due, and the next tick puts in another.
"""

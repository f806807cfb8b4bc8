"""What a person does with his own synchronization beside running it: ask why, look back, put back, take his data along,
leave. Each act is the same for pages, API and command line."""

"""What a server and a controller say to each other, and how it is sealed (docs/decisions/0018).

Both ends import this; it knows no database, no framework and no socket.
"""

# A link to another page becomes its text. Addresses of the web have a colon, and places on the page itself begin with #.
s/\[([^]]+)\]\([^]:#)][^]:)]*\)/\1/g

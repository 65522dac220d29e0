#include "npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Magic, version 1.0, and the length of what follows it, as two bytes. */
enum { PREFIX = 10 };

static const char magic[] = "\x93NUMPY";
static const char text[] = "{'descr': '<f8', 'fortran_order': False, 'shape': (";

void write_header(char header[HEADER], long bytes)
{
    const char prefix[PREFIX] = { '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER - PREFIX, 0 };
    memset(header, ' ', HEADER);
    memcpy(header, prefix, PREFIX);
    int length = snprintf(header + PREFIX, HEADER - PREFIX, "%s%ld,), }", text, bytes / 8);
    header[PREFIX + length] = ' ';
    header[HEADER - 1] = '\n';
}

int is_array(const char* head)
{
    return memcmp(head, magic, sizeof magic - 1) == 0;
}

long elements_offset(const char* head)
{
    return PREFIX + (unsigned char)head[8] + 256 * (unsigned char)head[9];
}

long elements_end(const char* head)
{
    const char* length = head + PREFIX + sizeof text - 1;
    return memcmp(head + PREFIX, text, sizeof text - 1) != 0 ? -1 : elements_offset(head) + 8 * strtol(length, NULL, 10);
}

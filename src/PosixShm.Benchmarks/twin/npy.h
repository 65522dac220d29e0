/* The header of an .npy file, as numpy writes it for a simple array. */
#pragma once

enum { HEADER = 128 };

/* Writes the header of so many bytes of float64 elements, in one dimension. */
void write_header(char header[HEADER], long bytes);

/* Returns whether the first bytes of a file are those of an array. */
int is_array(const char* head);

/* The offset of the elements. */
long elements_offset(const char* head);

/* The offset of the end of the elements; -1 if the header is not that of a simple array of float64. */
long elements_end(const char* head);

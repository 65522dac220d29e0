/* The header of an .npy file, as numpy writes it for a simple array. */
#pragma once

enum { HEADER = 128 };

/* Writes the header of so many bytes of float64 elements, in one dimension. */
void write_header(char header[HEADER], long bytes);

/* Ends the program if the first bytes of a file, which end with a zero, are not those of an array. */
void check_header(const char* head);

/* The offset of the elements. */
long elements_offset(const char* head);

/* The offset of the end of the elements. */
long elements_end(const char* head);

/* The same in float. */
#define REAL float
#include "article.c"

/* Layer normalisation. */

#include "tiles.h"

/* Each row with mean 0 and variance 1, then scaled and shifted: as float32, in planes, or both. */
void earwitness_normalise(const float *numbers, int64_t rows, int64_t columns, const float *scale, const float *shift,
                          float epsilon, float *floats, bf16 *planes, int64_t parts, int64_t out_part,
                          int64_t out_column, int64_t threads) {
#pragma omp parallel for schedule(dynamic, TILE) num_threads(threads) if (threads > 1)
  for (int64_t row = 0; row < rows; row++) {
    const float *from = numbers + row * columns;
    const __m512 count = _mm512_set1_ps((float)columns);
    __m512 sum = _mm512_setzero_ps(), squares = sum;
    for (int64_t column = 0; column < columns; column += TILE)
      sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(first_of(columns - column), from + column));
    const __m512 mean = _mm512_div_ps(_mm512_set1_ps(_mm512_reduce_add_ps(sum)), count);
    for (int64_t column = 0; column < columns; column += TILE) {
      const __mmask16 mask = first_of(columns - column);
      const __m512 away = _mm512_maskz_sub_ps(mask, _mm512_maskz_loadu_ps(mask, from + column), mean);
      squares = _mm512_fmadd_ps(away, away, squares);
    }
    const __m512 variance = _mm512_div_ps(_mm512_set1_ps(_mm512_reduce_add_ps(squares)), count);
    const __m512 deviation = _mm512_sqrt_ps(_mm512_add_ps(variance, _mm512_set1_ps(epsilon)));
    const __m512 gain = _mm512_div_ps(_mm512_set1_ps(1.0f), deviation);
    for (int64_t column = 0; column < columns; column += BLOCK) {
      __m512 normal[2];
      for (int64_t half = 0; half < 2; half++) {
        const int64_t place = column + half * TILE;
        const __mmask16 mask = first_of(columns - place);
        const __m512 away = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, from + place), mean);
        normal[half] = _mm512_maskz_fmadd_ps(mask, _mm512_mul_ps(away, gain), _mm512_maskz_loadu_ps(mask, scale + place),
                                             _mm512_maskz_loadu_ps(mask, shift + place));
        if (floats) _mm512_mask_storeu_ps(floats + row * columns + place, mask, normal[half]);
      }
      if (planes) split(normal[0], normal[1], parts, planes + column / BLOCK * out_column + row * BLOCK, out_part);
    }
  }
}

// Prints each .npy file as numpy-parser reads it: dtype, shape and elements.
const { readFileSync } = require('node:fs')
const { fromArrayBuffer } = require('numpy-parser')

const dtypes = { Uint8Array: 'u1', Int32Array: 'i4', Float32Array: 'f4', Float64Array: 'f8' }
for (const path of process.argv.slice(2)) {
  try {
    const { data, shape } = fromArrayBuffer(new Uint8Array(readFileSync(path)).buffer)
    console.log(dtypes[data.constructor.name], shape.join(), data.join())
  } catch (error) {
    console.log('error', error.message)
  }
}

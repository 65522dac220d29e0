// Prints each .npy file as npyjs reads it: dtype, shape and elements.
const { readFileSync } = require('node:fs')
const { parse } = require('npyjs')

for (const path of process.argv.slice(2)) {
  try {
    const array = parse(new Uint8Array(readFileSync(path)).buffer)
    console.log(array.dtype, array.shape.join(), Array.from(array.data, Number).join())
  } catch (error) {
    console.log('error', error.message)
  }
}

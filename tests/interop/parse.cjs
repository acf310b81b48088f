// Reads DUIS files with the industry's parser: `node parse.cjs FILE…` prints one JSON list, an entry a file, in order.
// What can't be parsed gives an entry with `error`.
const { readFileSync } = require('node:fs');
const { parseDuis } = require('@smartdcc/duis-parser');

const plain = (_, value) => (typeof value === 'bigint' ? value.toString() : value);

function parsed(file) {
  try {
    return parseDuis('simplified', readFileSync(file, 'utf-8'));
  } catch (error) {
    return { error: String(error) };
  }
}

process.stdout.write(JSON.stringify(process.argv.slice(2).map(parsed), plain));

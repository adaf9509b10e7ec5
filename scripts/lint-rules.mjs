// Rules of this project that oxlint has no setting for. Loaded by .oxlintrc.json.

const advice = {
  time: 'Ask the clock that was handed in (engine/clock.ts): what reads the time of day itself cannot be replayed or tested.',
  chance: 'Ask the random source that was handed in (engine/random.ts): what draws by itself cannot be repeated from its seed.',
};

// Properties that reach out of the program by themselves, by the global they belong to.
const ambient = { Date: { now: 'time' }, Math: { random: 'chance' } };

// Also finds `Math['random']`, `globalThis.Math.random` and `const { random } = Math`.
function globalName(node) {
  if (node?.type === 'Identifier') return node.name;
  if (node?.type === 'MemberExpression' && node.object.type === 'Identifier' && node.object.name === 'globalThis') return keyOf(node.property, node.computed);
  return undefined;
}

function keyOf(node, computed) {
  if (node.type === 'Identifier' && !computed) return node.name;
  return node.type === 'Literal' ? String(node.value) : undefined;
}

const noAmbientClock = {
  create(context) {
    const report = (node, kind) => context.report({ node, message: advice[kind] });
    const reportDateOfNow = (node) => {
      if (globalName(node.callee) === 'Date') report(node, 'time');
    };
    return {
      MemberExpression(node) {
        const kind = ambient[globalName(node.object)]?.[keyOf(node.property, node.computed)];
        if (kind) report(node, kind);
      },
      VariableDeclarator(node) {
        if (node.id.type !== 'ObjectPattern') return;
        const names = ambient[globalName(node.init)];
        for (const property of names ? node.id.properties : []) {
          const kind = property.type === 'Property' ? names[keyOf(property.key, property.computed)] : undefined;
          if (kind) report(property, kind);
        }
      },
      // `new Date(milliseconds)` only formats or parses; without an argument it reads the clock.
      NewExpression(node) {
        if (node.arguments.length === 0) reportDateOfNow(node);
      },
      // Called without `new`, Date ignores its arguments and always tells the present time.
      CallExpression: reportDateOfNow,
    };
  },
};

export default {
  meta: { name: 'millrace' },
  rules: { 'no-ambient-clock': noAmbientClock },
};

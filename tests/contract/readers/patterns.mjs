// Which of the patterns are none of ECMA-262.
const refused = process.argv.slice(2).filter((it) => {
  try {
    new RegExp(it, "u");
    return false;
  } catch {
    return true;
  }
});
console.log(JSON.stringify(refused));

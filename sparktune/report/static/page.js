// The page.
export function show(run) {
  document.title = run.name;
}

/** US dollars to the cent; less than that with one digit that is not zero. */
export function usd(amount: number): string {
  if (amount > 0 && amount < 0.005) return `$${Number(amount.toPrecision(1)).toFixed(digitsOf(amount))}`;
  return `$${amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

function digitsOf(amount: number): number {
  return Math.min(9, Math.ceil(-Math.log10(amount)));
}

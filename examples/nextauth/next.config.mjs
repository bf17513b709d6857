/** @type {import('next').NextConfig} */
export default {
  // One process serves pages and sign-in; nothing is sent home.
  poweredByHeader: false,
  devIndicators: false,
}

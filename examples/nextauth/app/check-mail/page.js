export default function CheckMail() {
  return (
    <>
      <h1>Check your mail</h1>
      <p>Open the link in it on this device. It works once, for ten minutes.</p>
    </>
  )
}

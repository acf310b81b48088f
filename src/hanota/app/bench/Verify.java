import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.Locale;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.parsers.DocumentBuilder;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;
import org.xml.sax.helpers.DefaultHandler;
import uk.co.smartdcc.boxed.xmldsig.ResultCode;
import uk.co.smartdcc.boxed.xmldsig.Util;
import uk.co.smartdcc.boxed.xmldsig.Validate;

/**
 * Checks a signed DUIS document with the classes of the industry's signing tool, warm: once for each line on stdin.
 *
 * <p>Arguments: the document and its signer's certificate (PEM). A line is "classes" (parse under the tool's schema,
 * then check the signature: what has to be done, once) or "packaged" (the tool's own main, as its package has it, which
 * checks the schema twice and prints what was signed). The answer is a line "true|false MILLISECONDS".
 */
public final class Verify {
    private static final class Strict extends DefaultHandler {
        @Override
        public void error(SAXParseException departure) throws SAXException {
            throw departure;
        }
    }

    private Verify() {}

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        System.setOut(nowhere);
        System.setErr(nowhere);
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String order = orders.readLine(); order != null; order = orders.readLine()) {
            long start = System.nanoTime();
            boolean holds =
                    order.equals("packaged")
                            ? Validate.main_aux(arguments) == ResultCode.SUCCESS
                            : holds(Path.of(arguments[0]), arguments[1]);
            double milliseconds = (System.nanoTime() - start) / 1e6;
            answers.printf(Locale.ROOT, "%s %.3f%n", holds, milliseconds);
            answers.flush();
        }
    }

    private static boolean holds(Path message, String signer) throws Exception {
        DocumentBuilder builder = Util.create_document_builder_factory().newDocumentBuilder();
        builder.setErrorHandler(new Strict());
        Document document;
        try (InputStream octets = Files.newInputStream(message)) {
            document = builder.parse(octets);
        }
        X509Certificate certificate = Util.load_certificate(Util.create_certificate_factory(), signer);
        NodeList signatures = document.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature");
        DOMValidateContext context = new DOMValidateContext(certificate.getPublicKey(), signatures.item(0));
        return XMLSignatureFactory.getInstance("DOM").unmarshalXMLSignature(context).validate(context);
    }
}

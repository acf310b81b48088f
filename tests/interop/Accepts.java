import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import uk.co.smartdcc.boxed.xmldsig.Validate;

/** Has the industry's signing tool check many files in one process: `Accepts CERTIFICATE`, a file name a line on stdin. */
public final class Accepts {
    private Accepts() {}

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        BufferedReader names = new BufferedReader(new InputStreamReader(System.in));
        for (String name = names.readLine(); name != null; name = names.readLine()) {
            System.err.println(name);
            answers.println(Validate.main_aux(new String[] {name, arguments[0]}));
        }
    }
}
